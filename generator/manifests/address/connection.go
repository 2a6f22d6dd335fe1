// SPDX-License-Identifier: Apache-2.0

package address

import "strings"

// connection reads what is no URL and names its host all the same, and reports
// whether the value was one:
//
//	app:secret@tcp(db:3306)/shop                    Go MySQL driver
//	Server=tcp:db,1433;Database=shop                SQL Server, also Data Source=
//	Host=db;Port=5432;Username=app                  Npgsql
//	host=a,b port=5432 dbname=shop                  libpq
//	(DESCRIPTION=(ADDRESS=(HOST=db)(PORT=1521)))    Oracle Net
//	jdbc:oracle:thin:@db:1521:shop                  Oracle JDBC
//	jdbc:sqlserver://db\shop:1433                   SQL Server JDBC, a URL but for the instance
func (f *finder) connection(value string) bool {
	switch low := strings.ToLower(value); {
	case strings.HasPrefix(low, "jdbc:oracle:") || strings.HasPrefix(low, "oracle:thin:"):
		return f.oracle(value)
	case strings.Contains(low, "tcp(") && !strings.Contains(value, "://"):
		return f.mysql(value)
	case strings.Contains(value, "://"):
		return strings.Contains(low, "jdbc:sqlserver://") && f.instance(value)
	case strings.Contains(value, "="):
		return f.pairs(value)
	}
	return false
}

func (f *finder) mysql(value string) bool {
	some := false
	for {
		_, rest, found := strings.Cut(value, "tcp(")
		if !found {
			return some
		}
		inside, after, closed := strings.Cut(rest, ")")
		if !closed {
			return some
		}
		if a, ok := pair(inside, true); ok {
			a.Form, a.Implied = Connection, 3306
			f.add(a)
			some = true
		}
		value = after
	}
}

func (f *finder) oracle(value string) bool {
	_, rest, found := cutLast(value, '@')
	if !found {
		return true
	}
	if strings.HasPrefix(rest, "(") {
		return f.pairs(rest)
	}
	rest = strings.TrimPrefix(rest, "tcp:")
	rest = strings.TrimPrefix(rest, "//")
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		rest = rest[:at]
	}
	if parts := strings.SplitN(rest, ":", 3); len(parts) == 3 && !strings.HasPrefix(rest, "[") {
		rest = parts[0] + ":" + parts[1] // the third is the SID
	}
	if a, ok := pair(rest, true); ok {
		a.Form, a.Implied = Connection, 1521
		f.add(a)
	}
	return true
}

// instance reads "sqlserver://db\shop:1433;databaseName=x": the name of an
// instance stands between host and port.
func (f *finder) instance(value string) bool {
	_, rest, _ := strings.Cut(value, "://")
	if at := strings.IndexAny(rest, ";?/ "); at >= 0 {
		rest = rest[:at]
	}
	if name, after, cut := strings.Cut(rest, `\`); cut {
		rest = name
		if _, port, has := strings.Cut(after, ":"); has {
			rest += ":" + port
		}
	}
	a, ok := pair(rest, true)
	if ok {
		a.Form, a.Implied = Connection, 1433
		f.add(a)
	}
	return ok
}

// hostKeys are the keys of connection strings that name hosts, with the port
// that their product implies; 0 where several products use the key.
var hostKeys = map[string]uint16{"host": 0, "hostaddr": 0, "server": 0, "servers": 0, "data source": 1433, "datasource": 0, "address": 0, "addr": 0, "network address": 1433, "hostname": 0}

// pairs reads a list of key=value. Only keys for hosts and ports are looked at.
func (f *finder) pairs(value string) bool {
	sep := " "
	switch {
	case strings.Contains(value, ";"):
		sep = ";"
	case strings.Contains(value, "("):
		value = strings.NewReplacer("(", ";", ")", ";").Replace(value)
		sep = ";"
	}
	var hosts []string
	var implied, port uint16
	keys := 0
	for item := range strings.SplitSeq(value, sep) {
		key, v, ok := strings.Cut(item, "=")
		if !ok || len(key) > 40 {
			continue
		}
		keys++
		key, v = strings.ToLower(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(v), `'"`)
		if p, is := hostKeys[key]; is {
			if len(hosts) < MaxFound {
				hosts, implied = append(hosts, v), max(implied, p)
			}
		} else if key == "port" {
			port, _ = portOf(v)
		} else if key == "initial catalog" || key == "user id" || key == "trustservercertificate" {
			implied = 1433
		}
	}
	if keys < 2 && sep == " " || len(hosts) == 0 {
		return false
	}
	before := len(f.found)
	for _, list := range hosts {
		f.hosts(list, port, implied)
	}
	return len(f.found) > before
}

// hosts reads the value of a host key: a list, each with "tcp:" before it and
// ",1433" or ":5432" after it.
func (f *finder) hosts(list string, port, implied uint16) {
	list = strings.TrimPrefix(strings.TrimPrefix(list, "tcp:"), "TCP:")
	parts := strings.Split(list, ",")
	for i := 0; i < len(parts) && !f.full(); i++ {
		name, _, _ := strings.Cut(strings.TrimSpace(parts[i]), `\`)
		a, ok := pair(name, true)
		if !ok {
			continue
		}
		if a.Port == 0 {
			a.Port = port
		}
		if i+1 < len(parts) {
			if p, is := portOf(strings.TrimSpace(parts[i+1])); is && a.Port == port {
				a.Port = p
				i++
			}
		}
		a.Form = Connection
		if a.Port == 0 {
			a.Implied = implied
		}
		f.add(a)
	}
}
