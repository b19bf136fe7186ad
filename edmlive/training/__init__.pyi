from .calibration import calibration_from as calibration_from
from .descriptor_pipeline import TrainedDescriptors as TrainedDescriptors
from .descriptor_pipeline import train_descriptors as train_descriptors
from .evaluation import evaluate as evaluate
from .experiment import train as train
from .features import compute_features as compute_features
from .report import Evaluation as Evaluation
from .store import FeatureStore as FeatureStore
