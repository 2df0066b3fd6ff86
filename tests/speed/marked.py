"""A method that marks its parts and sleeps in them: found by an entry point, as an outsider's is."""

import time

import torch
from centre_box import CentreBox

from bench.speed.marks import NETWORK, NMS, compiled, part


class Marked(CentreBox):
    """Two milliseconds a frame in its network, one in NMS; it looks one frame ahead."""

    name, title, lookahead = "marked", "Marked", 1

    def training_config(self):
        return {"layer": {}}

    def begin(self, device):
        self.layer = torch.nn.Linear(4, 3).to(device)

    def predict(self, footage, frames):
        with part(NETWORK), torch.no_grad():
            time.sleep(0.002 * len(frames))
            compiled(self.layer)(torch.ones(len(frames), 4))
        return super().predict(footage, frames)

    @classmethod
    def postprocess(cls, predictions, num_frames, config, info):
        with part(NMS):
            time.sleep(0.001 * num_frames)
        return super().postprocess(predictions, num_frames, config, info)
