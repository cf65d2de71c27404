"""What the correlator knows of one stream: its rows, indexes over them, timers, what leaves and comes back."""
