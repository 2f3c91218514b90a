"""How far a workspace is from truth that people and instruments measured on real videos."""
