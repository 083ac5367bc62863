"""Fuzzing: random typed terms over the whole operation table, and what is read from files, against what they mean.

    make fuzz SECONDS=600

| module | what it adds |
|---|---|
| `plan` | random programs, as data: generated from the table, so new operations take part by themselves |
| `oracle` | what a program gives, and by how much rounding may change it |
| `guarded` | arrays and workspaces with pages around them that nobody may touch |
| `cases` | what is tried: values, JSON, saved files, IR |
| `supervisor` | cases in processes that may abort or hang |
| `shrink` | the least program that fails as well |
"""
