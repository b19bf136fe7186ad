"""Everything about the checkpoint that the paper's authors released: its network, its reader, and its import."""
