@{A}=a b
@{B}=@{A}@{A}@{A}@{A}@{A}@{A}@{A}@{A}
profile p { /@{B}@{B} r, }