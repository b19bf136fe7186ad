"""From samples to what a model looks at: resampling, feature frames, rolling windows; the same live and in training."""
