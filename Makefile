# The same commands under the names that `make` users expect.
.PHONY: demo test up down status

demo test up down status:
	./dsx $@
