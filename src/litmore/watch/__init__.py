"""What is seen of a run: TensorBoard's parts and their figures, the progress bar."""
