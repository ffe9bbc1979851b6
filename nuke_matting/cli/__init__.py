"""The command line: one application, one verb a job."""
