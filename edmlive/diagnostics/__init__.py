"""What `edmlive bench` measures on the computer that it runs on."""
