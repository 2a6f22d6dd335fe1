# SPDX-License-Identifier: Apache-2.0
# Prints the groups ("##@ name") and targets ("target: ... ## text") of a Makefile.
BEGIN { FS = ":.*## "; print "Usage: make TARGET [NAME=value]" }
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z][a-z-]*:.*## / { printf "  %-17s %s\n", $1, $2 }
