"""How the shipped models were made; needs the extra ``train`` and is imported by nothing else."""
