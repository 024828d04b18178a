#!/bin/sh
# In the container: the first start writes the project into the volume, every start serves it. Words after the image's name are verbs.
set -eu
if [ "$#" -gt 0 ]; then exec feedmill "$@"; fi
project=/app/project
[ -f "$project/feedmill.toml" ] || feedmill init "$project"
# All interfaces of the container; whom the outside reaches, and who speaks TLS to it, is the matter of its port mapping.
exec feedmill up --project "$project" --set http.address=0.0.0.0 --set http.port=8080 --set http.tls_by_proxy=true
