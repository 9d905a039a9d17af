profile p {
  set rlimit nofile <= 1024,
  set rlimit nofile <= 99999999999999999999999999ll,
}
