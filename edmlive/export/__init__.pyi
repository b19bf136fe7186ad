from .pipeline import Calibration as Calibration
from .pipeline import Exported as Exported
from .pipeline import export as export
from .released.model import import_released as import_released
