"""What receivers and pages share on the HTTP side: who may do what, one way to say what is wrong, routes as data."""
