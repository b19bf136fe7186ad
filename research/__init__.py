"""What made the shipped models and recipes: how real rendered music is, what its mastering was fitted to."""
