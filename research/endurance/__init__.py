"""Whether anything is lost or leaks: killed processes, full disks, hours of use."""
