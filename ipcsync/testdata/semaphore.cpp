#include <boost/interprocess/sync/named_semaphore.hpp>
#include <iostream>

using namespace boost::interprocess;

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    named_semaphore sem(open_or_create, argv[1], 2, permissions(0600));
    sem.wait();
    std::cout << "working" << std::endl;
    sem.post();
}
