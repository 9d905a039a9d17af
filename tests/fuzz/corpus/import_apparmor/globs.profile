profile p { /[^a-c\]x]/{a,{b,**},}/\101\x2a** rPUx -> "a b", /**a?b?c?? r, /{*,**}/x w, }
