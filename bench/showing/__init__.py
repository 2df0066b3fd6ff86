"""What is shown of a video: tubes beside the annotation."""
