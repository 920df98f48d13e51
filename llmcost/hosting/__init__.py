"""Running models on one's own GPUs: what they cost an hour, what they serve, how many a log needs."""
