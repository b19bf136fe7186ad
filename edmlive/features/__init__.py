"""From samples to model inputs: resampling, feature frames, rolling windows; the same live and in training."""
