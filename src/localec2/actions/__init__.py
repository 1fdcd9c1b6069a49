"""Every EC2 action that is ours, by topic; `table.ACTIONS` names them all."""
