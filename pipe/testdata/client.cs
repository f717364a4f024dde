using System;
using System.IO;
using System.IO.Pipes;

static class Client
{
    static void Main(string[] args)
    {
        using (var pipe = new NamedPipeClientStream(".", args[0], PipeDirection.InOut))
        {
            pipe.Connect(5000); // waits for the server, in milliseconds
            var writer = new StreamWriter(pipe) { AutoFlush = true };
            var reader = new StreamReader(pipe);
            writer.WriteLine("hello");
            Console.WriteLine(reader.ReadLine());
        }
    }
}
