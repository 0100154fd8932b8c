module lychgate.dev/bench/load

go 1.21
