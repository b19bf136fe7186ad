"""From windows to answers: classifier, voter, decider, engine and session."""
