"""A session's JSON lines as a page, a picture, a table or a CUE sheet."""
