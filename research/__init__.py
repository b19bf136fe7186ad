"""How the shipped models and recipes were made: the realism of rendered music, the fit of its mastering."""
