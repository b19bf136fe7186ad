from .evaluation import evaluate as evaluate
from .experiment import train as train
from .features import compute_features as compute_features
from .report import Evaluation as Evaluation
from .store import FeatureStore as FeatureStore
