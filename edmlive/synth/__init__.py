"""Rendered electronic music with known truth."""

GENRES = (
    *("hard-dance", "deep-house", "glitch-hop", "progressive-big-room", "electro-big-room", "trap-future-bass"),
    *("jumpup-drum-and-bass", "progressive-trance", "uplifting-trance", "garage-baseline-grime", "electro-house"),
    *("house", "psy-trance", "leftfield-bass", "hip-hop-r-and-b", "tech-trance", "minimal-deep-tech"),
    *("progressive-house", "future-house", "tech-house", "leftfield-house-and-techno", "electronica-downtempo"),
    *("liquid-drum-and-bass", "breaks", "dance", "dubstep", "dub-techno", "reggae-dancehall-dub"),
    *("hardcore-hard-techno", "jungle-drum-and-bass"),
)
"""The paper's thirty subgenres, in the order of its authors' released code."""
