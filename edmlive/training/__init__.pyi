from .calibration import calibration_from as calibration_from
from .descriptor_pipeline import TrainedDescriptors as TrainedDescriptors
from .descriptor_pipeline import train_descriptors as train_descriptors
