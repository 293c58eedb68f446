#!/usr/bin/env bash
# The service: pictures, clips, live frames, limits, stops. The checks are in serve.py.
source "$(dirname "$0")/lib.sh"
tiny_bundle tiny
media png a.png 64 64
clip c.mp4 2
clip long.mp4 60 25
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2> /dev/null ||
  fail "certificate"
section "starting"
run serve -b tiny --listen 0.0.0.0:0
exits 2
err_is '--listen 0.0.0.0:0: is not loopback.*'
run serve -b tiny --listen nonsense
exits 2
echo short > token
run serve -b tiny --listen 127.0.0.1:0 --token-file token
exits 2
run serve -b tiny --listen 127.0.0.1:0 --tls-cert cert.pem
exits 2
section "serving"
check "serve.py" python3 "$here/serve.py" "$mien"
finish
