"""Faster R-CNN (Ren et al., NIPS 2015) on a stack of K consecutive frames (RecLNet, section 5.4)."""
