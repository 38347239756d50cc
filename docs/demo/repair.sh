#!/usr/bin/env bash
# A node that repairs itself: deletes, scales, edits, locks and breaks things on a rehearsal, and shows the node come back.
# usage: docs/demo/repair.sh     (starts a rehearsal if none runs; takes about two minutes)
set -euo pipefail
mininode=${MININODE:-mininode}

$mininode install micro --cluster rehearsal --yes >/dev/null
kubeconfig=$($mininode rehearsal kubeconfig)
kubectl=$($mininode tools get kubectl | tail -n 1 | awk '{print $NF}')
namespace=eucaim-node
k() { "$kubectl" --kubeconfig "$kubeconfig" --namespace "$namespace" "$@"; }
say() { printf '\n── %s\n' "$*"; }
within() { # within SECONDS COMMAND…: repeat until it succeeds, say how long that took
  local limit=$1 start; shift
  start=$(date +%s%N)
  until "$@" >/dev/null 2>&1; do
    [ $(($(date +%s%N) - start)) -lt $((limit * 1000000000)) ] || { echo "   not within $limit s"; exit 1; }
    sleep 0.05
  done
  echo "   back after $((($(date +%s%N) - start) / 1000000)) ms"
}
equals() { [ "$("${@:2}")" = "$1" ]; }
settled() { $mininode status >/dev/null; }

say "somebody deletes a Deployment"
k delete deployment guacd --wait=true
within 10 k get deployment guacd

say "somebody scales Keycloak to three"
k scale deployment keycloak --replicas=3
within 10 equals 1 k get deployment keycloak -o 'jsonpath={.spec.replicas}'

say "somebody deletes a Service"
k delete service postgresql
within 10 k get service postgresql

say "somebody restarts Guacamole the ordinary way: that is left alone"
k rollout restart deployment guacamole
k get deployment guacamole -o 'jsonpath={.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}{"\n"}'

say "a Helm that was killed left a lock: the newest revision says pending-upgrade"
revision=$(k get secret -l owner=helm,name=keycloak -o name | tail -n 1)
k label "$revision" status=pending-upgrade --overwrite
$mininode reconcile
within 60 equals deployed k get secret -l owner=helm,name=keycloak --sort-by=.metadata.creationTimestamp -o 'jsonpath={.items[-1:].metadata.labels.status}'

say "the operator is killed, and started again by the next command"
kill -KILL "$($mininode rehearsal status -o json | python3 -c '
import json, sys
print(next(process["pid"] for process in json.load(sys.stdin)["processes"] if process["name"] == "operator"))')"
$mininode install micro --cluster rehearsal --yes | tail -n 7
within 90 settled

say "what the node says of all this"
k get events.events.k8s.io --sort-by=.metadata.creationTimestamp -o 'custom-columns=REASON:.reason,WHAT:.note' | grep -E 'Drift|Unlock|Gate' | tail -n 12
$mininode status
