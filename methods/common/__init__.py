"""What the training and the prediction of several methods share: key-frames, windows, learning rates."""
