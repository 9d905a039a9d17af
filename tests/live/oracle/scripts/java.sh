#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
if command -v javac >/dev/null; then
    cat >Hello.java <<'EOF'
import java.nio.file.*;
public class Hello {
    public static void main(String[] a) throws Exception {
        Files.writeString(Path.of("out"), "hello");
        Thread t = new Thread(() -> System.out.println("thread"));
        t.start();
        t.join();
        System.exit(3);
    }
}
EOF
    javac Hello.java
    java -cp . Hello || [ $? = 3 ]
else
    java -version
fi
