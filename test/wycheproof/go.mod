module github.com/gatehouse-sh/gatehouse/test/wycheproof

go 1.26.4

replace github.com/gatehouse-sh/gatehouse => ../..

require (
	github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a
	github.com/gatehouse-sh/gatehouse v0.0.0-00010101000000-000000000000
)

require github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
