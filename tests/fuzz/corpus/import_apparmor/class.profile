profile p { /[^a-cÿÿÿÿÿÿ‡]x]/{a?b,}/\687\x2a** rPUx -> "a b", /**a?b*ÿÿÿ*}/0' w, }
