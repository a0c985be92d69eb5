#!/bin/bash
# A holder and waiter with flock(1): `peer.sh KIND PATH COUNTER`. What it is told and
# answers is in peers.py.
set -eu
case $1 in
    flock) lock=$2.lock ;;
    flock-in-place) lock=$2 ;;
    *) echo "no kind $1" >&2; exit 2 ;;
esac
counter=$3
add_one() {
    read -r n < "$counter" || true
    printf %s $((n + 1)) 1<> "$counter"
}
while read -r word times; do
    case $word in
        count)
            for ((i = 0; i < times; i++)); do
                exec 9>> "$lock"
                flock 9
                add_one
                exec 9>&-
            done
            echo counted ;;
        lock | try)
            exec 9>> "$lock"
            once=()
            if [ "$word" = try ]; then once=(--nonblock); fi
            if flock "${once[@]}" 9; then
                echo locked
                read -r _
                exec 9>&-
                echo unlocked
            else
                exec 9>&-
                echo busy
            fi ;;
    esac
done
