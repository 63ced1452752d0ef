KINDS = ("repair", "made to measure")
