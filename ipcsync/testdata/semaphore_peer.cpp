// The Boost side of the tests: does what each line of its standard input says,
// with named_semaphore, and answers with one line.
#include <boost/interprocess/sync/named_semaphore.hpp>
#include <iostream>
#include <memory>
#include <string>

using namespace boost::interprocess;

int main()
{
    std::unique_ptr<named_semaphore> sem;
    std::string command, name;
    long n;

    while (std::cin >> command) {
        if (command == "create" && std::cin >> name >> n) {
            sem.reset(new named_semaphore(create_only, name.c_str(), n));
            std::cout << "created" << std::endl;
        } else if (command == "open" && std::cin >> name) {
            sem.reset(new named_semaphore(open_only, name.c_str()));
            std::cout << "opened" << std::endl;
        } else if (command == "take" && std::cin >> n) {
            for (; n > 0; n--)
                sem->wait();
            std::cout << "taken" << std::endl;
        } else if (command == "try") {
            std::cout << (sem->try_wait() ? "taken" : "empty") << std::endl;
        } else if (command == "give" && std::cin >> n) {
            for (; n > 0; n--)
                sem->post();
            std::cout << "given" << std::endl;
        } else if (command == "remove" && std::cin >> name) {
            std::cout << named_semaphore::remove(name.c_str()) << std::endl;
        } else {
            std::cout << "what is " << command << "?" << std::endl;
        }
    }
}
