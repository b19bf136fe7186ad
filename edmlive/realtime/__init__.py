"""Live classification: sources, front end, windows, classifier, voter, engine and sinks."""
