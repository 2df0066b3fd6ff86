"""Search for better settings of what follows the network, on stored predictions: ``bench tune``."""
