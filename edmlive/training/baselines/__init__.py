"""The systems that the paper compares with: networks on cepstral coefficients, and ensembles of decision trees.

Importing this makes `SubgenreNetwork` and `Checkpoint.load` know the networks.
"""

from edmlive.training.baselines import mfcc as mfcc
