module smolvm/guest

go 1.26
