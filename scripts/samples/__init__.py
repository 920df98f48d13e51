"""The made-up company behind sample_logs/: every module builds the files of one folder, from a seed, to the byte."""
