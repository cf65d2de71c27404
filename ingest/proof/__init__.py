"""What proves who sends: shared secrets and signatures, each kind of them a scheme with a name."""
