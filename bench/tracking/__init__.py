"""Results in MLflow. The files of a run are the truth; this is a view of them that can be made again.

``server``   which server or database, and its dashboard      ``record``  a finished result, from its files
``sender``   shows a run while it works, from another process  ``resync``  what the server lacks, sent again
``studies``  a study and its trials                             ``values``  what everything is called
"""

from bench.tracking.record import record
from bench.tracking.resync import Outcome, resync
from bench.tracking.sender import Announcement, Sender
from bench.tracking.server import TrackingError, tracking_uri, ui_command, ui_environment, views
from bench.tracking.studies import record_study
from bench.tracking.values import class_slugs, flat_metrics

__all__ = [
    "Announcement",
    "Outcome",
    "Sender",
    "TrackingError",
    "class_slugs",
    "flat_metrics",
    "record",
    "record_study",
    "resync",
    "tracking_uri",
    "ui_command",
    "ui_environment",
    "views",
]
