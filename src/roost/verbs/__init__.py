"""One recipe each; here, and only here, the stages meet."""
