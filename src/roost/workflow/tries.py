"""pure: how often each job of a DAG was submitted by an earlier DAGMan, told to the next one.

Each try has an output of its own, also after a rescue, where DAGMan counts retries from 0 again: the event log knows of
them all. Where DAGMan died and left its lock, it counts on by itself.
"""

TRIES = "tries.inc"  # in the submit directory; the DAG includes it
# For sh, in that directory; $log is the event log, $dag the DAG.
COUNT_TRIES = f"""\
count='/^    DAG Node: /{{n[$3]++}} END{{for (job in n) print "VARS " job " tried=\\"" n[job] "\\""}}'
if [ ! -e "$dag.lock" ] && [ -e "$log" ]; then awk "$count" "$log" >{TRIES} || exit 1; fi
"""
