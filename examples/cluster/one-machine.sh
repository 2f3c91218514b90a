#!/usr/bin/env bash
# Ray on this machine alone: nothing to start before, nothing left afterwards.
#
#   examples/cluster/one-machine.sh VIDEOS WORKSPACE [OPTIONS OF clipmill run]
#
# For trying what a cluster will do; `clipmill run` without --engine does the same with less.
set -euo pipefail
videos=${1:?"folder of videos"} workspace=${2:?"workspace"}
shift 2
# 3 is not the end: the machine could not do some clips now, and the same command tries them again.
exec clipmill run --engine ray --input "$videos" --workspace "$workspace" "$@"
