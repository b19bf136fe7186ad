"""What `edmlive doctor` checks and `edmlive bench` measures on the computer they run on."""
